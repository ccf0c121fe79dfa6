CREATE TABLE player (id INTEGER PRIMARY KEY, name TEXT NOT NULL, rating INTEGER NOT NULL, joined INTEGER NOT NULL);
CREATE TABLE game (id INTEGER PRIMARY KEY, white INTEGER NOT NULL REFERENCES player (id), black INTEGER NOT NULL REFERENCES player (id), result TEXT NOT NULL CHECK (result IN ('white', 'black', 'draw')), moves INTEGER NOT NULL, day TEXT NOT NULL);
INSERT INTO player VALUES (1, 'Kim', 1850, 2015), (2, 'Liv', 2010, 2011), (3, 'Mo', 1620, 2022), (4, 'Nat', 1775, 2019);
INSERT INTO game VALUES (1, 1, 2, 'black', 41, '2024-01-05'), (2, 2, 3, 'white', 23, '2024-01-05'), (3, 3, 4, 'draw', 60, '2024-01-12'), (4, 4, 1, 'white', 37, '2024-01-19'), (5, 2, 4, 'draw', 52, '2024-01-26');
