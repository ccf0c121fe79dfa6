CREATE TABLE station (code TEXT PRIMARY KEY, name TEXT NOT NULL, platforms INTEGER NOT NULL);
CREATE TABLE line (id INTEGER PRIMARY KEY, name TEXT NOT NULL, operator TEXT NOT NULL);
CREATE TABLE stop (line_id INTEGER NOT NULL REFERENCES line (id), station TEXT NOT NULL REFERENCES station (code), place INTEGER NOT NULL, minutes INTEGER NOT NULL, PRIMARY KEY (line_id, place));
INSERT INTO station VALUES ('VEL', 'Velmora', 8), ('OSK', 'Osk', 3), ('TRN', 'Tarn', 4), ('IST', 'Ister Bridge', 2);
INSERT INTO line VALUES (1, 'Coast', 'Nordbane'), (2, 'Valley', 'Nordbane'), (3, 'Airport', 'City');
INSERT INTO stop VALUES (1, 'VEL', 1, 0), (1, 'OSK', 2, 18), (1, 'TRN', 3, 44), (2, 'VEL', 1, 0), (2, 'IST', 2, 25), (3, 'TRN', 1, 0), (3, 'VEL', 2, 12);
