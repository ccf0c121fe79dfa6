CREATE TABLE harbour (id INTEGER PRIMARY KEY, name TEXT NOT NULL, depth_m REAL NOT NULL);
CREATE TABLE ship (id INTEGER PRIMARY KEY, name TEXT NOT NULL, flag TEXT NOT NULL, tonnes INTEGER NOT NULL);
CREATE TABLE call (ship_id INTEGER NOT NULL REFERENCES ship (id), harbour_id INTEGER NOT NULL REFERENCES harbour (id), arrived TEXT NOT NULL, days INTEGER NOT NULL);
INSERT INTO harbour VALUES (1, 'Velmora', 12.5), (2, 'Osk', 8.0), (3, 'Tarn', 15.2);
INSERT INTO ship VALUES (1, 'Amber', 'NO', 5200), (2, 'Zephyr', 'DK', 1800), (3, 'Heron', 'NO', 9100), (4, 'Ister', 'FI', 3050);
INSERT INTO call VALUES (1, 1, '2024-05-01', 2), (1, 3, '2024-05-09', 1), (2, 2, '2024-05-03', 4), (3, 1, '2024-05-12', 3), (3, 3, '2024-05-20', 2), (4, 2, '2024-06-01', 1);
