package fill

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// request describes the values that a column needs, for makeGenerator.
type request struct {
	name   string // of the column
	typ    *typ
	typmod int32
	facts  *facts
	unique bool // no two rows may have the same value
	seed   uint64
	base   int64 // unique numbers begin after it
	depth  int   // of nested arrays, ranges and composite types
	rows   int64 // how many there will be, for choosing distances
	step   int64 // the distance of unique numbers; 0: chosen
}

// generator is a generator of values. It never makes NULL.
type generator struct {
	// value appends the text of the value of row i.
	value func(b []byte, i int64) []byte
	// capacity is how many different values there are, if uniqueness was
	// requested.
	capacity int64
	// escape: the text may have characters that COPY escapes.
	escape bool
	// scalar is set if the values are numbered; ord returns the number of row i's value.
	scalar *scalar
	ord    func(i int64) int64
}

const endless = int64(1) << 62

// makeGenerator finds a generator for a type; nil: there is none here.
func (f *filler) makeGenerator(r request) *generator {
	t := r.typ
	if t == nil || r.depth > 4 {
		return nil
	}
	if r.facts == nil {
		r.facts = &facts{}
	}
	if list := r.listChoices(); list != nil {
		return makeChoice(list, r)
	}
	if sc := scalarOf(t.name, r.typmod); sc != nil && t.schema == "pg_catalog" {
		return makeNumbers(sc, r)
	}
	switch {
	case t.kind == 'r' && t.subtype != 0:
		return f.makeRanges(r)
	case t.kind == 'm' && t.category == 'R': // a multirange: only the empty one is known
		return makeFixed("{}")
	case t.kind == 'c':
		return f.makeComposites(r)
	case t.elem != 0 && t.category == 'A':
		return f.makeArrays(r)
	case t.kind == 'd':
		return nil // not resolved (see resolveDomain): its name may be the one of a built-in type
	}
	if t.name == "varchar" || t.name == "bpchar" || t.name == "text" || t.name == "citext" || t.name == "name" {
		most := 0
		if r.typmod >= 4 && t.name != "text" { // the length and 4
			most = int(r.typmod) - 4
		}
		if t.name == "name" {
			most = 63
		}
		value, capacity := makeTexts(r.name, r.facts, most, r.unique, r.seed, r.base)
		// Generated from a pattern, the text may contain any character.
		return &generator{value: value, capacity: capacity, escape: len(r.facts.patterns)+len(r.facts.likes) > 0}
	}
	return makeBuiltin(t.name, r)
}

// listChoices returns the list of the only values, if there is one.
func (r request) listChoices() []string {
	var list []string
	switch {
	case r.facts.in != nil:
		list = r.facts.in
	case r.typ.kind == 'e':
		list = r.typ.labels
	case r.typ.name == "bool" && r.typ.schema == "pg_catalog":
		list = []string{"f", "t"}
	default:
		return nil
	}
	if rest := slices.DeleteFunc(slices.Clone(list), func(v string) bool { return slices.Contains(r.facts.not, v) }); len(rest) > 0 {
		list = rest
	}
	return list
}

func makeChoice(list []string, r request) *generator {
	n := int64(len(list))
	return &generator{capacity: n, escape: true, value: func(b []byte, i int64) []byte {
		if r.unique {
			return append(b, list[i%n]...)
		}
		return append(b, list[reduceSkewed(randomAt(r.seed, i), n)]...)
	}}
}

func makeFixed(v string) *generator {
	return &generator{capacity: 1, escape: true, value: func(b []byte, _ int64) []byte { return append(b, v...) }}
}

// makeNumbers makes values of a scalar type.
func makeNumbers(sc *scalar, r request) *generator {
	var forbidden []int64
	for _, v := range r.facts.not {
		if n, exact, ok := sc.parse(v); ok && exact {
			forbidden = append(forbidden, n)
		}
	}
	m := &generator{scalar: sc}
	if r.unique {
		m.ord, m.capacity = makeUniqueNumbers(sc, r, forbidden)
	} else {
		m.ord = makeRandomNumbers(sc, r, forbidden)
	}
	m.value = func(b []byte, i int64) []byte { return sc.append(b, m.ord(i)) }
	return m
}

// makeUniqueNumbers numbers the rows with equal steps. Identifiers begin at 1, times follow each other in noticeable steps, and
// everything stays within the limits of the type.
func makeUniqueNumbers(sc *scalar, r request, forbidden []int64) (ord func(i int64) int64, capacity int64) {
	lo, hi := sc.allowedRange(r.facts)
	if r.facts.lo == "" && lo == 0 {
		lo = max(1, r.base+1)
		lo = (lo + sc.unit - 1) / sc.unit * sc.unit // the next whole unit
	} else if r.base >= lo {
		lo = r.base + 1
	}
	if r.facts.hi == "" {
		hi = sc.hi
	}
	step := sc.unit
	// Timestamps are a second apart rather than a microsecond if there is room: 12:00:00, 12:00:01, 12:00:02.
	if room := (hi - lo) / max(r.rows, 1); sc.unit < second && room > second && sc.usualHi > day {
		step = second
	}
	step = max(step, r.step)
	capacity = max(hi/step-lo/step+1, 0)
	// If a row could get a forbidden number (a <> 5), the numbers begin after the largest of these if enough are left.
	if slices.ContainsFunc(forbidden, func(v int64) bool { return v >= lo && v-lo < r.rows*step }) && hi-slices.Max(forbidden) > r.rows {
		lo = slices.Max(forbidden) + 1
	}
	return func(i int64) int64 { return lo + i*step }, capacity
}

// maxRetries limits the attempts to make a random number that is not forbidden: perhaps all are.
const maxRetries = 16

// makeRandomNumbers makes numbers of the allowed range, which may repeat.
func makeRandomNumbers(sc *scalar, r request, forbidden []int64) (ord func(i int64) int64) {
	lo, hi := sc.allowedRange(r.facts)
	units := max(hi/sc.unit-floorDiv(lo, sc.unit), 0) + 1
	start := lo
	if floorDiv(lo, sc.unit)*sc.unit != lo {
		start = (floorDiv(lo, sc.unit) + 1) * sc.unit
		units = max(units-1, 1)
	}
	// Times are spread evenly: they have a larger unit, or usual values far from 0. Other numbers are skewed towards the small ones.
	isTime := sc.unit != 1 || sc.usualLo != 0
	return func(i int64) int64 {
		h := randomAt(r.seed, i)
		for attempt := 0; ; attempt++ {
			v := start
			if isTime {
				v += reduceTo(h, units) * sc.unit
			} else {
				v += reduceSkewed(h, units) * sc.unit
			}
			if len(forbidden) == 0 || attempt == maxRetries || !slices.Contains(forbidden, v) {
				return v
			}
			h = mixBits(h)
		}
	}
}

// mostExisting limits how many of the existing rows the new rows of other tables refer to.
const mostExisting = 10_000

// countExisting counts the rows that migrations have left, and reads the keys by
// which other tables refer to them.
func (f *filler) countExisting(ctx context.Context) error {
	for _, t := range f.schema.tables {
		onlyKeyword := "ONLY "
		if t.partitioned {
			onlyKeyword = ""
		}
		if err := f.conn.QueryRow(ctx, "SELECT pg_catalog.count(*) FROM "+onlyKeyword+t.quotedName()).Scan(&t.had); err != nil {
			return fmt.Errorf("count the rows of %s: %w", t.name(), err)
		}
		if t.had > 0 {
			if err := f.readExisting(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// readExisting reads the keys of a table's current rows.
func (f *filler) readExisting(ctx context.Context, t *table) error {
	var columns []int
	for _, o := range f.schema.tables {
		for _, r := range o.refs {
			if r.table != t {
				continue
			}
			for _, i := range r.target {
				if i >= 0 && !slices.Contains(columns, i) {
					columns = append(columns, i)
				}
			}
		}
	}
	if len(columns) == 0 {
		return nil
	}
	slices.Sort(columns)
	t.existingColumns, t.existing = columns, nil
	var list, conditions []string
	for _, i := range columns {
		name := quoteIdent(t.columns[i].name)
		list = append(list, name+"::pg_catalog.text")
		conditions = append(conditions, name+" IS NOT NULL")
	}
	onlyKeyword := "ONLY "
	if t.partitioned {
		onlyKeyword = ""
	}
	sql := fmt.Sprintf("SELECT ARRAY[%s] FROM %s%s WHERE %s ORDER BY 1 LIMIT %d", strings.Join(list, ", "), onlyKeyword, t.quotedName(),
		strings.Join(conditions, " AND "), mostExisting)
	return eachRow(ctx, f.conn, "the keys of "+t.name(), sql, func(r pgx.Rows) error {
		var row []string
		if err := r.Scan(&row); err != nil {
			return err
		}
		t.existing = append(t.existing, row)
		return nil
	})
}

// candidates are texts that are valid input of one type or another.
var candidates = []string{
	"(,)", "empty", "1", "a", "(0,0)", "{}", "[]", "1/1", "2020-01-01", "a.b", "0", "",
	"00000000-0000-4000-8000-000000000000", "POINT(0 0)", "1.0.0", "US", "+15555550100", "USD 1", "10:20:10",
	"a@example.com", "\\x00",
}

// tryCandidates finds values of a type without a generator: texts that its input
// function accepts, tried on the server.
func (f *filler) tryCandidates(ctx context.Context, c *column, r request) (*generator, error) {
	list, err := f.validTexts(ctx, c.typeText, append(slices.Clone(r.facts.in), candidates...))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return makeChoice(list[:min(len(list), 4)], r), nil
}

// validTexts returns the texts that a type accepts.
func (f *filler) validTexts(ctx context.Context, typ string, texts []string) ([]string, error) {
	key := typ + "\x00" + strings.Join(texts, "\x00")
	if l, ok := f.literals[key]; ok {
		return l, nil
	}
	var out []string
	for _, v := range texts {
		if strings.ContainsRune(v, 0) {
			continue
		}
		_, err := f.conn.Exec(ctx, "SELECT CAST("+pgparse.QuoteLiteral(v)+" AS "+typ+")")
		if ctx.Err() != nil || f.conn.IsClosed() {
			return nil, fmt.Errorf("try values of type %s: %w", typ, err)
		}
		if err == nil && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	f.literals[key] = out
	return out, nil
}
