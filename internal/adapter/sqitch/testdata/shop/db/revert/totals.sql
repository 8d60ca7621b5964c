SELECT 'way_down totals';
