CREATE TABLE star (id INTEGER PRIMARY KEY, name TEXT NOT NULL, constellation TEXT NOT NULL, magnitude REAL NOT NULL);
CREATE TABLE telescope (id INTEGER PRIMARY KEY, name TEXT NOT NULL, aperture_mm INTEGER NOT NULL);
CREATE TABLE sighting (star_id INTEGER NOT NULL REFERENCES star (id), telescope_id INTEGER NOT NULL REFERENCES telescope (id), night TEXT NOT NULL, seconds INTEGER NOT NULL);
INSERT INTO star VALUES (1, 'Alno', 'Swan', 2.1), (2, 'Brisk', 'Swan', 4.7), (3, 'Corr', 'Plough', 1.8), (4, 'Dessa', 'Lyre', 5.3);
INSERT INTO telescope VALUES (1, 'North', 400), (2, 'Small', 120);
INSERT INTO sighting VALUES (1, 1, '2024-08-01', 120), (1, 2, '2024-08-02', 300), (2, 1, '2024-08-01', 600), (3, 2, '2024-08-03', 60), (4, 1, '2024-08-05', 900);
