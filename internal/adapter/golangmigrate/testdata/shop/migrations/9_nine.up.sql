-- nine comes before ten
SELECT 9;
