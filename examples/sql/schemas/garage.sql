CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT NOT NULL, phone TEXT);
CREATE TABLE car (plate TEXT PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES owner (id), make TEXT NOT NULL, year INTEGER NOT NULL);
CREATE TABLE repair (id INTEGER PRIMARY KEY, plate TEXT NOT NULL REFERENCES car (plate), what TEXT NOT NULL, hours REAL NOT NULL, parts REAL NOT NULL, paid INTEGER NOT NULL DEFAULT 0);
INSERT INTO owner VALUES (1, 'Oli', '555-01'), (2, 'Pat', NULL), (3, 'Quin', '555-03');
INSERT INTO car VALUES ('AB 12', 1, 'Volta', 2016), ('CD 34', 1, 'Merk', 2008), ('EF 56', 2, 'Volta', 2021), ('GH 78', 3, 'Rando', 2013);
INSERT INTO repair VALUES (1, 'AB 12', 'brakes', 2.5, 140.0, 1), (2, 'CD 34', 'clutch', 6.0, 480.0, 0), (3, 'CD 34', 'lights', 0.5, 22.0, 1), (4, 'EF 56', 'tyres', 1.0, 360.0, 1), (5, 'GH 78', 'exhaust', 3.0, 210.0, 0);
