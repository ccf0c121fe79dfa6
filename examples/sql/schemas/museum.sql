CREATE TABLE hall (id INTEGER PRIMARY KEY, name TEXT NOT NULL, floor INTEGER NOT NULL);
CREATE TABLE painter (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL);
CREATE TABLE painting (id INTEGER PRIMARY KEY, title TEXT NOT NULL, painter_id INTEGER REFERENCES painter (id), hall_id INTEGER NOT NULL REFERENCES hall (id), year INTEGER, insured INTEGER NOT NULL);
INSERT INTO hall VALUES (1, 'Blue', 0), (2, 'Long', 1), (3, 'Tower', 2);
INSERT INTO painter VALUES (1, 'Rask', 'NO'), (2, 'Vell', 'FR'), (3, 'Dorn', 'FR');
INSERT INTO painting VALUES (1, 'Low Tide', 1, 1, 1880, 90000), (2, 'Red Roofs', 2, 1, 1902, 150000), (3, 'Study', NULL, 2, NULL, 4000), (4, 'Bridge at Dawn', 3, 2, 1911, 220000), (5, 'Orchard', 2, 3, 1899, 130000);
