package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A column that is pinned is used by something else (a key, an index, a
// constraint, a view): it is neither dropped nor given another type.
type column struct {
	name, typ string
	notNull   bool
	pinned    bool
}

// A table that is a lookup holds rows and is only ever added to; all others
// are empty in the corpus, so that every change to them succeeds.
type table struct {
	name    string
	columns []*column
	lookup  bool
	serial  int // numbers the table's constraints, indexes and triggers
}

// pickOne gives one of some values, all equally likely.
func pickOne[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

var (
	areas = strings.Fields(`account audit auth billing booking campaign cart catalog channel claim
		contract crm customer delivery device document event export feature feed file fleet
		forum ledger loyalty mail media member meter network notification offer order partner payment
		payroll policy price product project provider quota report review route sales search
		session shipment stock subscription supplier support survey task tax team tenant ticket usage vendor warehouse`)
	things = strings.Fields(`addresses assignments attachments attempts batches changes comments contacts
		counters credits details entries events exports facts flags groups histories imports invoices
		items jobs keys labels limits links lines lists logs mappings messages metrics notes
		options parts periods plans profiles ranges rates records relations requests results roles
		rules runs schedules scopes segments settings shares slots snapshots states steps tags templates
		tokens totals transfers types values versions views visits webhooks windows`)
	words = strings.Fields(`active amount approved archived balance body category city code color
		comment confirmed contact content count country currency deleted description digest discount due
		duration email enabled ended expires external failed finished format height hidden hint
		hostname icon imported kind label language last latitude level limit locale location locked
		longitude margin mode name note number origin owner parent password path payload percent
		phone position prefix priority processed provider published quantity rank rating reason
		received reference region rejected remote retries role score secret sent sequence settings
		severity shared size slug source started state status subject subtotal suffix summary
		timezone title total tracking unit updated url valid value verified version visible weight width zip`)
	endings  = strings.Fields(`at by code count date flag id key name number ref type`)
	teams    = strings.Fields(`billing checkout core data growth identity logistics platform`)
	sentence = []string{
		"Requested by the %s team, see the ticket for the discussion.",
		"The old way stays until all %s jobs have been moved over.",
		"Needed by the nightly %s report, which reads the whole table.",
		"This was a view before; %s asked for real rows so that they can be indexed.",
		"Part two of three. Part three drops what nobody of %s reads any more.",
		"Values come from the %s import and are trusted.",
		"Keep in step with the %s service, it has a copy of this enum.",
		"Found while looking at slow queries of %s: a sequential scan on each request.",
	}
)

// types are the column types with the default that goes with each.
var types = []struct{ name, fallback string }{
	{"text", "''"},
	{"text", "''"},
	{"varchar(50)", "'none'"},
	{"varchar(255)", "''"},
	{"integer", "0"},
	{"integer", "0"},
	{"bigint", "0"},
	{"smallint", "1"},
	{"boolean", "false"},
	{"boolean", "true"},
	{"numeric(10,2)", "0.00"},
	{"timestamptz", "now()"},
	{"timestamptz", "now()"},
	{"timestamp", "now()"},
	{"date", "CURRENT_DATE"},
	{"uuid", "gen_random_uuid()"},
	{"jsonb", "'{}'"},
	{"jsonb", "'{}'::jsonb"},
	{"text[]", "'{}'"},
	{"double precision", "0"},
	{"inet", "'0.0.0.0'"},
}

// widened says which type a column may be given later.
var widened = map[string][]string{
	"varchar(50)":   {"varchar(100)", "varchar(255)", "text"},
	"varchar(255)":  {"text", "varchar(500)"},
	"text":          {"varchar(2000)"},
	"smallint":      {"integer", "bigint"},
	"integer":       {"bigint", "numeric(12,0)"},
	"numeric(10,2)": {"numeric(14,2)", "numeric"},
	"timestamp":     {"timestamptz"},
	"date":          {"timestamptz"},
}

// schema is what the files so far have made.
type schema struct {
	r      *rand.Rand
	tables []*table
	taken  map[string]bool // names of tables, types, functions and views
	enums  []string
}

// reserveName gives a name that nothing has yet.
func (s *schema) reserveName(base string) string {
	name := base
	for n := 2; s.taken[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	s.taken[name] = true
	return name
}

// pickTable gives some table that may be changed freely. The last hundred are
// likelier than the rest, as in real histories.
func (s *schema) pickTable() *table {
	for {
		from := s.tables
		if n := len(from); n > 100 && s.r.IntN(2) == 0 {
			from = from[n-100:]
		}
		if t := pickOne(s.r, from); !t.lookup {
			return t
		}
	}
}

// makeColumn gives a column with a name that t does not have.
func (s *schema) makeColumn(t *table) *column {
	for {
		name := pickOne(s.r, words)
		if s.r.IntN(2) == 0 {
			name += "_" + pickOne(s.r, endings)
		}
		if t.findColumn(name) == nil && !reserved[name] {
			return &column{name: name, typ: pickOne(s.r, types).name}
		}
	}
}

// reserved are names that a column cannot have without quotes, or that a table
// gets anyway.
var reserved = map[string]bool{"limit": true, "created_at": true, "updated_at": true}

func (t *table) findColumn(name string) *column {
	for _, c := range t.columns {
		if c.name == name {
			return c
		}
	}
	return nil
}

// unpinnedColumns lists the columns that are not pinned.
func (t *table) unpinnedColumns() []*column {
	var free []*column
	for _, c := range t.columns {
		if !c.pinned {
			free = append(free, c)
		}
	}
	return free
}

func (t *table) removeColumn(removed *column) {
	for i, c := range t.columns {
		if c == removed {
			t.columns = append(t.columns[:i], t.columns[i+1:]...)
			return
		}
	}
}

// nextObjectName names the table's next index, constraint or trigger. Long names are
// cut so that Postgres does not cut them into duplicates.
func (t *table) nextObjectName(middle, ending string) string {
	t.serial++
	name := t.name + "_" + middle
	if len(name) > 45 {
		name = name[:45]
	}
	return fmt.Sprintf("%s_%d_%s", name, t.serial, ending)
}

// defaultFor is a default for a type.
func defaultFor(typ string) string {
	for _, known := range types {
		if known.name == typ {
			return known.fallback
		}
	}
	return "NULL"
}
