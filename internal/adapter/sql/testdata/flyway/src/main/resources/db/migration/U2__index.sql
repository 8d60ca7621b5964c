DROP INDEX way_down;
