CREATE TABLE field (id INTEGER PRIMARY KEY, name TEXT NOT NULL, hectares REAL NOT NULL);
CREATE TABLE tree (id INTEGER PRIMARY KEY, field_id INTEGER NOT NULL REFERENCES field (id), fruit TEXT NOT NULL, planted INTEGER NOT NULL);
CREATE TABLE harvest (tree_id INTEGER NOT NULL REFERENCES tree (id), year INTEGER NOT NULL, kg REAL NOT NULL, PRIMARY KEY (tree_id, year));
INSERT INTO field VALUES (1, 'South', 2.5), (2, 'Brook', 1.2);
INSERT INTO tree VALUES (1, 1, 'apple', 2001), (2, 1, 'apple', 2010), (3, 1, 'pear', 2010), (4, 2, 'plum', 2015), (5, 2, 'apple', 2018);
INSERT INTO harvest VALUES (1, 2022, 81.5), (1, 2023, 64.0), (2, 2022, 40.2), (2, 2023, 55.1), (3, 2023, 33.3), (4, 2022, 12.0), (4, 2023, 19.4);
