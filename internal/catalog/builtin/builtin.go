// Package builtin lists the built-in objects of Postgres: the volatility of its functions and the names of its
// types. The tables are generated from running servers of every supported major version (go generate).
//
// Not in the tables, as they are not functions to Postgres either: the SQL value functions (see SQLValueFunction),
// casts and operators (see OperatorsAndCasts), and expressions like COALESCE and GREATEST, which are as volatile as
// what they are applied to.
package builtin

//go:generate go run ./gen

import (
	"strconv"
	"strings"
	"sync"
)

// Vol is a function's volatility class; a greater one promises less.
type Vol uint8

// The three classes of pg_proc.provolatile.
const (
	Immutable Vol = iota // the same result for the same arguments, for ever
	Stable               // the same result within one statement
	Volatile             // may change with every call: evaluated for each row, so a default with it rewrites the table
)

func (v Vol) String() string {
	switch v {
	case Immutable:
		return "immutable"
	case Stable:
		return "stable"
	}
	return "volatile"
}

const (
	// SQLValueFunction is the volatility of CURRENT_TIMESTAMP, CURRENT_DATE, CURRENT_TIME, LOCALTIME, LOCALTIMESTAMP,
	// CURRENT_USER, SESSION_USER, USER, CURRENT_ROLE, CURRENT_CATALOG and CURRENT_SCHEMA. The parser has a node of its
	// own for them; pg_proc does not list them.
	SQLValueFunction = Stable
	// OperatorsAndCasts is the worst volatility of any built-in operator, cast, or type input and output function on
	// any supported version (a test asks the servers).
	OperatorsAndCasts = Stable
)

// The versions that the letters of the table stand for.
const (
	oldest = 13
	newest = 19
)

// Volatility returns the volatility of the built-in function of that name (without schema, as in pg_proc.proname:
// lower case) when called with nargs arguments (-1: any number) on a major version. It is the worst one among the
// overloads that such a call could mean, with defaults and VARIADIC taken into account. known is false when there is
// no such function on that version.
//
// A majority decides where only some of the overloads are volatile: up to Postgres 14, AT TIME ZONE (the function
// timezone) is volatile for timetz alone, which hardly anybody means. [VolatilityOf] tells them apart.
func Volatility(name string, nargs, major int) (v Vol, known bool) {
	return classifyVolatility(name, nil, nargs, major)
}

// VolatilityOf is Volatility with the arguments' types, as pg_type.typname, "" for an unknown type. Overloads whose
// declared types differ from the known ones are ignored, unless no overload would be left. In that case there is an
// implicit cast, and any overload may be meant.
func VolatilityOf(name string, types []string, major int) (v Vol, known bool) {
	return classifyVolatility(name, types, len(types), major)
}

// Mutable reports whether a call of a built-in function is immutable on no version, whichever overload is meant. types
// are the argument types, as for VolatilityOf. It is false if there may be an implicit cast.
func Mutable(name string, types []string) bool {
	found := false
	for line := range lookUpEntries(functions, name) {
		signature, letters, declared := splitFields(line)
		if !acceptsArgCount(signature, len(types)) || declared != "" && matchTypes(declared, types) == not {
			continue
		}
		if strings.ContainsRune(letters, 'i') {
			return false
		}
		found = true
	}
	return found
}

// Known reports whether any version has a built-in function of that name.
func Known(name string) bool {
	for range lookUpEntries(functions, name) {
		return true
	}
	return false
}

func classifyVolatility(name string, types []string, nargs, major int) (Vol, bool) {
	if major < oldest || major > newest {
		return 0, false
	}
	var all, fitting, exact tally
	for line := range lookUpEntries(functions, name) {
		signature, letters, declared := splitFields(line)
		if nargs >= 0 && !acceptsArgCount(signature, nargs) {
			continue
		}
		letter := letters[0]
		if len(letters) > 1 {
			letter = letters[major-oldest]
		}
		if letter == absent {
			continue
		}
		all.countLetter(letter)
		switch matchTypes(declared, types) {
		case exactly:
			exact.countLetter(letter)
			fallthrough
		case polymorphic:
			fitting.countLetter(letter)
		}
	}
	for _, t := range []tally{exact, fitting} {
		if t.total() > 0 {
			return t.verdict(), true
		}
	}
	return all.verdict(), all.total() > 0
}

// absent marks in the table a version that has no such function.
const absent = '-'

// tally counts the overloads of each class.
type tally struct{ counts [Volatile + 1]int }

func (t *tally) countLetter(letter byte) {
	switch letter {
	case 'i':
		t.counts[Immutable]++
	case 's':
		t.counts[Stable]++
	default:
		t.counts[Volatile]++
	}
}

func (t *tally) total() int { return t.counts[Immutable] + t.counts[Stable] + t.counts[Volatile] }

// verdict is the worst class that was counted, except that a minority of volatile overloads does not count.
func (t *tally) verdict() Vol {
	switch calm := t.counts[Immutable] + t.counts[Stable]; {
	case t.counts[Volatile] > 0 && t.counts[Volatile] >= calm:
		return Volatile
	case t.counts[Stable] > 0:
		return Stable
	}
	return Immutable
}

// acceptsArgCount tells whether a signature ("2", "2-4" with defaults, "1+" variadic) can be called with n arguments.
func acceptsArgCount(signature string, n int) bool {
	if least, ok := strings.CutSuffix(signature, "+"); ok {
		return n >= parseNumber(least)
	}
	least, most, ok := strings.Cut(signature, "-")
	if !ok {
		return n == parseNumber(signature)
	}
	return parseNumber(least) <= n && n <= parseNumber(most)
}

// parseNumber reads a number that the generator wrote.
func parseNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic("builtin: the generated table is broken at " + s)
	}
	return n
}

// fit is how well the declared types of an overload match a call's.
type fit uint8

const (
	not         fit = iota
	polymorphic     // a known type meets anyelement or the like
	exactly         // the known types are the declared ones
)

// matchTypes compares declared types ("text,timetz"; "" where the table does not list them) with the types of a call.
func matchTypes(declared string, types []string) fit {
	if declared == "" || types == nil {
		return not
	}
	found := exactly
	for _, known := range types {
		var want string
		want, declared, _ = strings.Cut(declared, ",")
		switch {
		case known == "" || known == want:
		case strings.HasPrefix(want, "any"):
			found = polymorphic
		default:
			return not
		}
	}
	return found
}

// Type returns the name under which Postgres keeps a built-in type (pg_type.typname) for that name itself or for the
// spelling that format_type gives: int4 for "int4" and "integer", varchar for "character varying". Without modifiers
// and brackets; array types are known as _int4. ok is false for anything else.
func Type(name string) (canonical string, ok bool) {
	entry, ok := typeNames()[strings.ReplaceAll(name, " ", "_")]
	return entry.canonical, ok
}

// TypeSince is the first major version that has the built-in type of that name; 0 if all have it, or none.
func TypeSince(name string) int { return typeNames()[name].since }

type typeEntry struct {
	canonical string
	since     int
}

// typeNames is the table of types, made at the first use: each column asks.
var typeNames = sync.OnceValue(func() map[string]typeEntry {
	out := make(map[string]typeEntry, strings.Count(types, "\n"))
	for line := range strings.Lines(types) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		canonical, since, some := strings.Cut(rest, " ")
		entry := typeEntry{canonical: canonical}
		if some {
			entry.since = parseNumber(since)
		}
		out[name] = entry
	}
	return out
})
