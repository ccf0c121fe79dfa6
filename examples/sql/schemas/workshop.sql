CREATE TABLE material (id INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL, unit_price REAL NOT NULL);
CREATE TABLE job (id INTEGER PRIMARY KEY, client TEXT NOT NULL, opened TEXT NOT NULL, closed TEXT);
CREATE TABLE used (job_id INTEGER NOT NULL REFERENCES job (id), material_id INTEGER NOT NULL REFERENCES material (id), amount REAL NOT NULL);
CREATE TABLE hours (job_id INTEGER NOT NULL REFERENCES job (id), worker TEXT NOT NULL, hours REAL NOT NULL);
INSERT INTO material VALUES (1, 'oak', 'm', 14.0), (2, 'steel', 'kg', 3.2), (3, 'varnish', 'l', 22.5);
INSERT INTO job VALUES (1, 'Museum', '2024-01-08', '2024-02-01'), (2, 'School', '2024-01-20', NULL), (3, 'Library', '2024-02-14', '2024-02-28');
INSERT INTO used VALUES (1, 1, 24.0), (1, 3, 2.5), (2, 2, 130.0), (3, 1, 10.0), (3, 2, 8.0), (3, 3, 1.0);
INSERT INTO hours VALUES (1, 'Yan', 18.0), (1, 'Zoe', 11.5), (2, 'Yan', 6.0), (3, 'Zoe', 14.0);
