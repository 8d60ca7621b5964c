SELECT 'way_down orders';
