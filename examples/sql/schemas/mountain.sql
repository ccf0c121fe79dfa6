CREATE TABLE peak (id INTEGER PRIMARY KEY, name TEXT NOT NULL, metres INTEGER NOT NULL, first_climbed INTEGER);
CREATE TABLE climber (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL);
CREATE TABLE ascent (peak_id INTEGER NOT NULL REFERENCES peak (id), climber_id INTEGER NOT NULL REFERENCES climber (id), year INTEGER NOT NULL, hours REAL NOT NULL);
INSERT INTO peak VALUES (1, 'Skarn', 2840, 1871), (2, 'Ulv', 3115, 1902), (3, 'Needle', 2410, NULL), (4, 'Grey Top', 1980, 1850);
INSERT INTO climber VALUES (1, 'Tea', 'NO'), (2, 'Uri', 'CH'), (3, 'Val', 'IT');
INSERT INTO ascent VALUES (1, 1, 2019, 7.5), (1, 2, 2021, 6.0), (2, 2, 2021, 11.5), (2, 3, 2022, 13.0), (4, 1, 2023, 4.0), (4, 3, 2023, 4.5);
