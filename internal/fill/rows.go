package fill

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// ParseRows parses how many rows each table gets: "10000" for the tables that the release
// touches, "users=1e6,orders=5e6" for two, "all=1000" for every one. They can be
// combined. Numbers may be written 1000, 1_000, 1e6, 10k, 2M and 1G.
func ParseRows(s string) (p Plan, err error) {
	const say = `write a number for the tables that the release touches ("10000"), or numbers by table ("users=1e6,orders=5e6,all=1000")`
	p.Rows = map[string]int64{}
	seen := map[string]bool{}
	for _, part := range strings.Split(s, ",") {
		part = strings.TrimSpace(part)
		name, number, found := strings.Cut(part, "=")
		if !found {
			name, number = touched, part
		}
		name = strings.TrimSpace(name)
		if part == "" || name == "" {
			return p, fmt.Errorf("rows %q: %s", s, say)
		}
		n, err := parseCount(strings.TrimSpace(number))
		if err != nil {
			return p, fmt.Errorf("rows %q: %w: %s", s, err, say)
		}
		if seen[name] {
			return p, fmt.Errorf("rows %q: %s is there twice: %s", s, name, say)
		}
		seen[name] = true
		switch name {
		case touched:
			p.Touched = n
		case "all":
			p.All = n
		default:
			p.Rows[name] = n
		}
	}
	return p, nil
}

// touched is the key for the tables that the release touches; no table has such a name.
const touched = "a number without a table"

// mostRows is more than a throwaway server holds, and few enough that sums and products
// with it do not overflow.
const mostRows = 10_000_000_000

func parseCount(s string) (int64, error) {
	digits := strings.ReplaceAll(s, "_", "")
	factor := 1.0
	if digits != "" {
		switch digits[len(digits)-1] {
		case 'k', 'K':
			factor = 1e3
		case 'm', 'M':
			factor = 1e6
		case 'g', 'G':
			factor = 1e9
		}
		if factor > 1 {
			digits = digits[:len(digits)-1]
		}
	}
	// ParseFloat also accepts "inf", "nan" and hexadecimal digits.
	if strings.Trim(digits, "0123456789.eE+") != "" {
		return 0, fmt.Errorf("%q is not a number of rows", s)
	}
	n, err := strconv.ParseFloat(digits, 64)
	n *= factor
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a number of rows", s)
	case n > mostRows:
		return 0, fmt.Errorf("%s rows are more than the %g that a table can be filled with", s, float64(mostRows))
	case n != math.Trunc(n):
		return 0, fmt.Errorf("%q is not a whole number of rows", s)
	}
	return int64(n), nil
}

// ScaleCounts returns production's row counts times scale, each at most `most` (0: no limit). A
// table with rows gets at least one. Tables that were never analyzed are left out.
func ScaleCounts(stats *onward.Stats, scale float64, most int64) map[string]int64 {
	rows := map[string]int64{}
	if stats == nil {
		return rows
	}
	if most <= 0 || most > mostRows {
		most = mostRows
	}
	for _, r := range stats.Relations {
		if r.Rows < 0 || r.Kind == "materialized view" {
			continue
		}
		n := math.Ceil(float64(r.Rows) * scale)
		if !(n >= 0) { // a negative scale, or not a number
			n = 0
		}
		if n == 0 && r.Kind == "partitioned table" {
			continue // its partitions have the rows
		}
		rows[r.Name] = int64(math.Min(n, float64(most)))
	}
	return rows
}
