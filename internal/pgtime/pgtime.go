// Package pgtime reads and writes time parameters in Postgres' notation.
// https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES
package pgtime

import (
	"math"
	"strconv"
	"strings"
)

// Parse reads a time parameter as Postgres does: a number is
// milliseconds; the units are us, ms, s, min, h and d.
func Parse(value string) (ms int, ok bool) {
	v := strings.TrimSpace(value)
	i := strings.LastIndexAny(v, "0123456789.") + 1
	n, err := strconv.ParseFloat(strings.TrimSpace(v[:i]), 64)
	if err != nil || math.IsNaN(n) {
		return 0, false
	}
	unit := map[string]float64{"": 1, "us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
	factor, ok := unit[strings.TrimSpace(v[i:])]
	if !ok || n*factor > math.MaxInt32 {
		return 0, false
	}
	return int(math.Round(n * factor)), true
}

// Format formats milliseconds as Postgres does: "5s", "1500ms", "10min".
func Format(ms int) string {
	switch {
	case ms > 0 && ms%60_000 == 0:
		return strconv.Itoa(ms/60_000) + "min"
	case ms > 0 && ms%1000 == 0:
		return strconv.Itoa(ms/1000) + "s"
	}
	return strconv.Itoa(ms) + "ms"
}
