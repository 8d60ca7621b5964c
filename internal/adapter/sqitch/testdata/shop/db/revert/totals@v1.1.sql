SELECT 'way_down totals@v1.1';
