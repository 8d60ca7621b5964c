package dbchecks

import (
	"fmt"
	"time"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
)

// formatAge formats a duration for people, as exact as needed: "12 s", "40 min", "3 h", "9
// days".
func formatAge(d time.Duration) string {
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

// secondsToDuration converts a number of seconds from the server.
func secondsToDuration(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// formatRelation returns three forms of a name. For public."Users" they are Users for people,
// "Users" for the server, and public.Users for everything else.
func formatRelation(schema, name string) (shown, sql, qualified string) {
	n := catalog.Name{Schema: schema, Name: name}
	return n.String(), analysis.QuoteTable(n), n.Qualified()
}

// mostNamed is how many objects of a list are named if one finding is about all of them.
const mostNamed = 5

// listNames lists names in one line, and counts the rest.
func listNames(names []string) string { return prose.FirstNames(names, mostNamed) }

// quoteName returns a name quoted for SQL if necessary.
func quoteName(name string) string { return pgparse.QuoteIdent(name) }
