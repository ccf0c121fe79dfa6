CREATE TABLE doctor (id INTEGER PRIMARY KEY, name TEXT NOT NULL, field TEXT NOT NULL);
CREATE TABLE patient (id INTEGER PRIMARY KEY, name TEXT NOT NULL, town TEXT NOT NULL, born INTEGER NOT NULL);
CREATE TABLE visit (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient (id), doctor_id INTEGER NOT NULL REFERENCES doctor (id), day TEXT NOT NULL, minutes INTEGER NOT NULL, fee REAL NOT NULL);
INSERT INTO doctor VALUES (1, 'Sand', 'eyes'), (2, 'Holm', 'skin'), (3, 'Ruiz', 'eyes');
INSERT INTO patient VALUES (1, 'Ivo', 'Osk', 1960), (2, 'Lea', 'Tarn', 1994), (3, 'Max', 'Osk', 2012), (4, 'Nora', 'Velmora', 1978);
INSERT INTO visit VALUES (1, 1, 1, '2024-01-10', 20, 80.0), (2, 1, 2, '2024-02-10', 35, 120.5), (3, 2, 3, '2024-02-11', 15, 75.0), (4, 3, 1, '2024-03-01', 25, 80.0), (5, 4, 2, '2024-03-05', 40, 150.0);
