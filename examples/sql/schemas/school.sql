CREATE TABLE teacher (id INTEGER PRIMARY KEY, name TEXT NOT NULL, since INTEGER NOT NULL);
CREATE TABLE course (id INTEGER PRIMARY KEY, title TEXT NOT NULL, teacher_id INTEGER NOT NULL REFERENCES teacher (id), credits INTEGER NOT NULL);
CREATE TABLE pupil (id INTEGER PRIMARY KEY, name TEXT NOT NULL, grade INTEGER NOT NULL);
CREATE TABLE mark (pupil_id INTEGER NOT NULL REFERENCES pupil (id), course_id INTEGER NOT NULL REFERENCES course (id), points INTEGER NOT NULL, PRIMARY KEY (pupil_id, course_id));
INSERT INTO teacher VALUES (1, 'Falk', 2009), (2, 'Oyen', 2015), (3, 'Pia', 2021);
INSERT INTO course VALUES (1, 'Algebra', 1, 5), (2, 'Physics', 1, 4), (3, 'History', 2, 3), (4, 'Drawing', 3, 2);
INSERT INTO pupil VALUES (1, 'Asa', 9), (2, 'Bo', 9), (3, 'Cia', 10), (4, 'Dag', 10);
INSERT INTO mark VALUES (1, 1, 82), (1, 3, 91), (2, 1, 55), (2, 2, 64), (3, 2, 88), (3, 4, 97), (4, 1, 71);
