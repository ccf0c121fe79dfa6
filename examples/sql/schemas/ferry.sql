CREATE TABLE route (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, target TEXT NOT NULL, km INTEGER NOT NULL);
CREATE TABLE crossing (id INTEGER PRIMARY KEY, route_id INTEGER NOT NULL REFERENCES route (id), day TEXT NOT NULL, late_min INTEGER NOT NULL);
CREATE TABLE ticket (crossing_id INTEGER NOT NULL REFERENCES crossing (id), class TEXT NOT NULL, price REAL NOT NULL, cars INTEGER NOT NULL);
INSERT INTO route VALUES (1, 'Velmora', 'Osk', 38), (2, 'Osk', 'Tarn', 61), (3, 'Velmora', 'Tarn', 92);
INSERT INTO crossing VALUES (1, 1, '2024-07-01', 0), (2, 1, '2024-07-02', 12), (3, 2, '2024-07-01', 3), (4, 3, '2024-07-03', 45);
INSERT INTO ticket VALUES (1, 'deck', 12.0, 0), (1, 'cabin', 40.0, 1), (2, 'deck', 12.0, 1), (3, 'deck', 18.5, 0), (4, 'cabin', 66.0, 1), (4, 'deck', 25.0, 2);
