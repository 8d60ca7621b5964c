DROP TABLE way_down;
