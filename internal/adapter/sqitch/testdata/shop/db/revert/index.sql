SELECT 'way_down index';
