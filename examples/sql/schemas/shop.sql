CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, town TEXT NOT NULL);
CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), product_id INTEGER NOT NULL REFERENCES product (id), pieces INTEGER NOT NULL, day TEXT NOT NULL);
INSERT INTO customer VALUES (1, 'Ana', 'Osk'), (2, 'Ben', 'Osk'), (3, 'Cleo', 'Tarn');
INSERT INTO product VALUES (1, 'lamp', 'home', 39.5, 12), (2, 'kettle', 'kitchen', 25.0, 0), (3, 'pan', 'kitchen', 18.9, 31), (4, 'chair', 'home', 79.0, 5);
INSERT INTO purchase VALUES (1, 1, 1, 2, '2024-01-03'), (2, 1, 3, 1, '2024-01-09'), (3, 2, 2, 1, '2024-02-02'), (4, 3, 4, 4, '2024-02-17'), (5, 3, 3, 2, '2024-03-01');
