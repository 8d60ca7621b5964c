SELECT 'way_down rights';
