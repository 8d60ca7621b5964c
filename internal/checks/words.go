package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// age is a time for people, as exact as it needs to be: "12 s", "40 min", "3 h", "9 days".
func age(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	case s < 120*60:
		return fmt.Sprintf("%.0f min", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%.0f h", s/3600)
	default:
		return fmt.Sprintf("%.0f days", s/86400)
	}
}

// seconds is a number of seconds of the server's as a time.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// relation is a name of the server's: shown says it to people, sql to the server, and the
// third is schema.name, by which it is known elsewhere.
func relation(schema, name string) (shown, sql, qualified string) {
	n := catalog.Name{Schema: schema, Name: name}
	return n.String(), analysis.Table(n), n.Qualified()
}

// most is how many of a list are named where one finding is about all.
const most = 5

// named are names in a line, the rest counted.
func named(names []string) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// quoted is a name as SQL writes it.
func quoted(name string) string { return pgparse.QuoteIdent(name) }
