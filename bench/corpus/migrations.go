package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes migrations one after the other.
type generator struct {
	schema
	b strings.Builder
}

func newGenerator(seed uint64) *generator {
	r := rand.New(rand.NewPCG(seed, 0x6f6e77617264))
	return &generator{schema: schema{r: r, taken: map[string]bool{}}}
}

// generateBaseSchema returns the schema before the first migration: tables that the corpus
// changes without creating them, as when the first years of a history were
// squashed.
func (g *generator) generateBaseSchema() string {
	g.b.Reset()
	for i := range 40 {
		if i%5 == 0 {
			g.createLookup()
		} else {
			g.createTable()
		}
	}
	return g.b.String()
}

// nextMigration is the next file: its name and its text.
func (g *generator) nextMigration(n int) (name, sql string) {
	g.b.Reset()
	kinds := []struct {
		weight int
		title  string
		write  func()
	}{
		{24, "create", g.writeTables},
		{34, "alter", g.alterTables},
		{8, "widen", g.writeTypeChanges},
		{10, "index", g.writeIndexes},
		{9, "data", g.writeData},
		{4, "seed", g.insertSeed},
		{7, "function", g.writeFunctions},
		{4, "do", g.writeDoBlock},
	}
	choose := func() int {
		choice, kind := g.r.IntN(100), 0
		for choice >= kinds[kind].weight {
			choice -= kinds[kind].weight
			kind++
		}
		return kind
	}
	if g.r.IntN(2) == 0 {
		g.writeLine("-- Migration %06d", n)
		if g.r.IntN(2) == 0 {
			g.writeComment()
		}
		g.writeLine("")
	}
	kind := choose()
	kinds[kind].write()
	// Many files do two things at once, and a few do very many.
	for g.r.IntN(100) < 42 {
		g.writeLine("")
		kinds[choose()].write()
	}
	return fmt.Sprintf("%06d_%s_%s.sql", n, kinds[kind].title, pickOne(g.r, things)), g.b.String()
}

func (g *generator) writeLine(format string, args ...any) {
	fmt.Fprintf(&g.b, format, args...)
	g.b.WriteByte('\n')
}

func (g *generator) writeComment() { g.writeLine("-- "+pickOne(g.r, sentence), pickOne(g.r, teams)) }

// repeatWrite calls write between least and most times, now and then with a comment
// before it.
func (g *generator) repeatWrite(least, most int, write func()) {
	for i := range least + g.r.IntN(most-least+1) {
		if i > 0 && g.r.IntN(2) == 0 {
			g.writeLine("")
		}
		if g.r.IntN(6) == 0 {
			g.writeComment()
		}
		write()
	}
}

// writeTables makes one to three tables with what goes with them.
func (g *generator) writeTables() {
	g.repeatWrite(1, 2, func() {
		switch g.r.IntN(8) {
		case 0:
			g.createEnum()
			g.createTable()
		case 1:
			g.createLookup()
		default:
			g.createTable()
		}
	})
}

// alterTables alters tables, mostly one and the same.
func (g *generator) alterTables() {
	t := g.pickTable()
	g.repeatWrite(2, 7, func() {
		if g.r.IntN(5) == 0 {
			t = g.pickTable()
		}
		g.writeChange(t)
	})
}

func (g *generator) writeTypeChanges() {
	g.repeatWrite(2, 6, func() {
		t := g.pickTable()
		for _, c := range t.unpinnedColumns() {
			if wider := widened[c.typ]; wider != nil {
				c.typ = pickOne(g.r, wider)
				g.writeLine("ALTER TABLE %s ALTER COLUMN %s TYPE %s;", t.name, c.name, c.typ)
				return
			}
		}
		g.writeChange(t)
	})
}

func (g *generator) writeIndexes() {
	concurrently := ""
	if g.r.IntN(3) > 0 {
		concurrently = "CONCURRENTLY "
	}
	g.repeatWrite(1, 4, func() { g.createIndex(g.pickTable(), concurrently) })
}

func (g *generator) writeData() {
	g.repeatWrite(2, 5, func() {
		t := g.pickTable()
		a, b := pickOne(g.r, t.columns), pickOne(g.r, t.columns)
		switch g.r.IntN(4) {
		case 0:
			g.writeLine("DELETE FROM %s WHERE %s IS NULL;", t.name, a.name)
		case 1:
			g.writeLine("UPDATE %s\nSET %s = DEFAULT\nWHERE %s IS NULL\n  AND %s IS NOT NULL;", t.name, g.pickColumn(t).name, a.name, b.name)
		case 2:
			g.writeLine("UPDATE %s AS t\nSET updated_at = now()\nFROM (\n    SELECT id FROM %s WHERE %s IS NOT NULL ORDER BY id LIMIT 1000\n) AS batch\n"+
				"WHERE t.id = batch.id;", t.name, t.name, a.name)
		default:
			g.writeLine("WITH gone AS (\n    DELETE FROM %s WHERE created_at < now() - interval '%d days' RETURNING id\n)\nSELECT count(*) FROM gone;", t.name,
				30*(1+g.r.IntN(12)))
		}
	})
}

// pickColumn is a column that takes any value: not part of the table's key.
func (g *generator) pickColumn(t *table) *column { return pickOne(g.r, t.columns[1:]) }

// insertSeed inserts rows into a lookup table.
func (g *generator) insertSeed() {
	var lookups []*table
	for _, t := range g.tables {
		if t.lookup {
			lookups = append(lookups, t)
		}
	}
	t := pickOne(g.r, lookups)
	rows := 3 + g.r.IntN(12)
	if g.r.IntN(10) == 0 {
		rows *= 20
	}
	g.writeLine("INSERT INTO %s (code, label, position) VALUES", t.name)
	for i := range rows {
		end := ","
		if i == rows-1 {
			end = "\nON CONFLICT (code) DO NOTHING;"
		}
		code := fmt.Sprintf("%s-%s-%d", pickOne(g.r, words), pickOne(g.r, endings), g.r.IntN(1e6))
		g.writeLine("    ('%s', 'The %s''s %s; %s', %d)%s", code, pickOne(g.r, teams), pickOne(g.r, words), pickOne(g.r, things), i, end)
	}
	g.writeLine("UPDATE %s SET active = false WHERE code LIKE '%s-%%';", t.name, pickOne(g.r, words))
	g.writeLine("DELETE FROM %s WHERE position < 0;", t.name)
}
