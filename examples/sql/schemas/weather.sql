CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT NOT NULL, height_m INTEGER NOT NULL);
CREATE TABLE reading (place_id INTEGER NOT NULL REFERENCES place (id), day TEXT NOT NULL, low REAL NOT NULL, high REAL NOT NULL, rain_mm REAL NOT NULL, PRIMARY KEY (place_id, day));
CREATE VIEW wet AS SELECT * FROM reading WHERE rain_mm > 5;
INSERT INTO place VALUES (1, 'Velmora', 12), (2, 'Osk', 240), (3, 'Pass Hut', 1410);
INSERT INTO reading VALUES (1, '2024-09-01', 9.5, 17.0, 0.0), (1, '2024-09-02', 10.1, 14.2, 12.4), (2, '2024-09-01', 6.0, 15.5, 0.2), (2, '2024-09-02', 7.7, 11.0, 20.1), (3, '2024-09-01', -1.0, 6.5, 0.0), (3, '2024-09-02', -2.4, 2.2, 8.8);
