CREATE TABLE keeper (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE hive (id INTEGER PRIMARY KEY, keeper_id INTEGER NOT NULL REFERENCES keeper (id), site TEXT NOT NULL, queen_year INTEGER);
CREATE TABLE honey (hive_id INTEGER NOT NULL REFERENCES hive (id), year INTEGER NOT NULL, kind TEXT NOT NULL, kg REAL NOT NULL);
INSERT INTO keeper VALUES (1, 'Rut'), (2, 'Sol');
INSERT INTO hive VALUES (1, 1, 'heath', 2022), (2, 1, 'heath', 2023), (3, 2, 'wood', NULL), (4, 2, 'meadow', 2021);
INSERT INTO honey VALUES (1, 2022, 'heather', 18.5), (1, 2023, 'heather', 14.0), (2, 2023, 'heather', 21.2), (3, 2022, 'lime', 9.9), (4, 2023, 'clover', 26.4);
