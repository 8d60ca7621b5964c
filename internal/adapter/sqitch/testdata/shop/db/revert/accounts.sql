SELECT 'way_down accounts';
