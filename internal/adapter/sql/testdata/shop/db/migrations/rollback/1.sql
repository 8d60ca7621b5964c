SELECT way_down;
