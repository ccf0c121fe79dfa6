CREATE TABLE flour (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price_kg REAL NOT NULL);
CREATE TABLE bread (id INTEGER PRIMARY KEY, name TEXT NOT NULL, grams INTEGER NOT NULL, price REAL NOT NULL);
CREATE TABLE recipe (bread_id INTEGER NOT NULL REFERENCES bread (id), flour_id INTEGER NOT NULL REFERENCES flour (id), grams INTEGER NOT NULL);
CREATE TABLE batch (bread_id INTEGER NOT NULL REFERENCES bread (id), day TEXT NOT NULL, baked INTEGER NOT NULL, sold INTEGER NOT NULL);
INSERT INTO flour VALUES (1, 'wheat', 1.1), (2, 'rye', 1.4), (3, 'spelt', 2.6);
INSERT INTO bread VALUES (1, 'farmer loaf', 1000, 5.2), (2, 'rye loaf', 750, 4.8), (3, 'roll', 70, 0.6);
INSERT INTO recipe VALUES (1, 1, 400), (1, 2, 250), (2, 2, 480), (3, 1, 30), (3, 3, 15);
INSERT INTO batch VALUES (1, '2024-04-01', 40, 38), (2, '2024-04-01', 25, 25), (3, '2024-04-01', 300, 271), (1, '2024-04-02', 40, 31), (3, '2024-04-02', 280, 280);
