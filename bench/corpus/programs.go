package main

import "strings"

// functions writes a function with a trigger or a view that goes with it.
func (g *generator) functions() {
	g.some(1, 2, func() {
		t := g.any()
		name := g.unused("touch_" + t.name)
		column := pick(g.r, t.columns).name
		var checks strings.Builder
		for range 1 + g.r.IntN(4) {
			checks.WriteString("    IF NEW." + pick(g.r, t.columns).name + " IS NULL THEN\n" +
				"        RAISE NOTICE '" + pick(g.r, words) + " of % is missing; it is filled later', NEW.id;\n    END IF;\n")
		}
		g.line(`CREATE OR REPLACE FUNCTION %s() RETURNS trigger AS $$
DECLARE
    seen bigint; -- rows of %s's table
BEGIN
%s    SELECT count(*) INTO seen FROM %s WHERE %s IS NOT NULL;
    IF seen > %d THEN
        UPDATE %s SET updated_at = now() WHERE id = NEW.id;
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;`, name, pick(g.r, teams), checks.String(), t.name, column, g.r.IntN(1000), t.name)
		g.line("")
		trigger := t.object("touch", "trigger")
		g.line("DROP TRIGGER IF EXISTS %s ON %s;", trigger, t.name)
		g.line("CREATE TRIGGER %s\n    AFTER %s ON %s\n    FOR EACH ROW EXECUTE FUNCTION %s();", trigger,
			pick(g.r, []string{"INSERT", "UPDATE", "INSERT OR UPDATE"}), t.name, name)
		if g.r.IntN(2) == 0 {
			g.createView(t)
		}
	})
}

// createView writes a view over a table. Its columns are pinned: a view holds
// on to them.
func (g *generator) createView(t *table) {
	var columns []string
	for _, c := range t.columns {
		if len(columns) < 6 {
			c.pinned = true
			columns = append(columns, c.name)
		}
	}
	g.line("CREATE VIEW %s AS\nSELECT %s\nFROM %s\nWHERE updated_at > now() - interval '%d days';",
		g.unused("recent_"+t.name), strings.Join(columns, ",\n       "), t.name, 1+g.r.IntN(90))
	g.line("GRANT SELECT ON %s TO PUBLIC;", t.name)
}

// doBlock writes an anonymous block between two plain statements.
func (g *generator) doBlock() {
	t := g.any()
	c := g.plain(t)
	tag := pick(g.r, []string{"$$", "$do$"})
	g.line("SET lock_timeout = '%ds';", 1+g.r.IntN(9))
	g.line(`DO %s
DECLARE
    batch record;
BEGIN
    IF EXISTS (
        SELECT FROM information_schema.columns
        WHERE table_name = '%s' AND column_name = '%s'
    ) THEN
        FOR batch IN SELECT id FROM %s WHERE %s IS NULL ORDER BY id LIMIT %d LOOP
            UPDATE %s SET updated_at = now() WHERE id = batch.id;
        END LOOP;
        EXECUTE 'ANALYZE ' || quote_ident('%s');
    ELSE
        RAISE NOTICE 'nothing to do; the column is gone';
    END IF;
END
%s;`, tag, t.name, c.name, t.name, c.name, 100*(1+g.r.IntN(50)), t.name, t.name, tag)
	g.change(t)
}
