package main

import "strings"

// writeFunctions writes one or two PL/pgSQL trigger functions, each with its trigger and sometimes a view of the same table.
func (g *generator) writeFunctions() {
	g.repeatWrite(1, 2, func() {
		t := g.pickTable()
		name := g.reserveName("touch_" + t.name)
		column := pickOne(g.r, t.columns).name
		var checks strings.Builder
		for range 1 + g.r.IntN(4) {
			checks.WriteString("    IF NEW." + pickOne(g.r, t.columns).name + " IS NULL THEN\n" +
				"        RAISE NOTICE '" + pickOne(g.r, words) + " of % is missing; it is filled later', NEW.id;\n    END IF;\n")
		}
		g.writeLine(`CREATE OR REPLACE FUNCTION %s() RETURNS trigger AS $$
DECLARE
    seen bigint; -- rows of %s's table
BEGIN
%s    SELECT count(*) INTO seen FROM %s WHERE %s IS NOT NULL;
    IF seen > %d THEN
        UPDATE %s SET updated_at = now() WHERE id = NEW.id;
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;`, name, pickOne(g.r, teams), checks.String(), t.name, column, g.r.IntN(1000), t.name)
		g.writeLine("")
		trigger := t.nextObjectName("touch", "trigger")
		g.writeLine("DROP TRIGGER IF EXISTS %s ON %s;", trigger, t.name)
		g.writeLine("CREATE TRIGGER %s\n    AFTER %s ON %s\n    FOR EACH ROW EXECUTE FUNCTION %s();", trigger,
			pickOne(g.r, []string{"INSERT", "UPDATE", "INSERT OR UPDATE"}), t.name, name)
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
	g.writeLine("CREATE VIEW %s AS\nSELECT %s\nFROM %s\nWHERE updated_at > now() - interval '%d days';",
		g.reserveName("recent_"+t.name), strings.Join(columns, ",\n       "), t.name, 1+g.r.IntN(90))
	g.writeLine("GRANT SELECT ON %s TO PUBLIC;", t.name)
}

// writeDoBlock writes an anonymous block between two plain statements.
func (g *generator) writeDoBlock() {
	t := g.pickTable()
	c := g.pickColumn(t)
	tag := pickOne(g.r, []string{"$$", "$do$"})
	g.writeLine("SET lock_timeout = '%ds';", 1+g.r.IntN(9))
	g.writeLine(`DO %s
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
	g.writeChange(t)
}
