CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE programme (id INTEGER PRIMARY KEY, title TEXT NOT NULL, host_id INTEGER REFERENCES host (id), weekday TEXT NOT NULL, minutes INTEGER NOT NULL);
CREATE TABLE song (id INTEGER PRIMARY KEY, title TEXT NOT NULL, artist TEXT NOT NULL, seconds INTEGER NOT NULL);
CREATE TABLE played (programme_id INTEGER NOT NULL REFERENCES programme (id), song_id INTEGER NOT NULL REFERENCES song (id), day TEXT NOT NULL);
INSERT INTO host VALUES (1, 'Wim'), (2, 'Xia');
INSERT INTO programme VALUES (1, 'Early Bird', 1, 'Monday', 120), (2, 'Late Set', 2, 'Friday', 180), (3, 'Archive', NULL, 'Sunday', 60);
INSERT INTO song VALUES (1, 'Glass', 'Odd Sea', 201), (2, 'Ferns', 'Odd Sea', 254), (3, 'Run', 'Mile Nine', 178), (4, 'Slow Boat', 'Ilse', 322);
INSERT INTO played VALUES (1, 1, '2024-01-01'), (1, 3, '2024-01-01'), (2, 2, '2024-01-05'), (2, 4, '2024-01-05'), (3, 4, '2024-01-07'), (1, 1, '2024-01-08');
