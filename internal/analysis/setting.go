package analysis

import (
	"math"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// Setting is a configuration parameter that a statement sets.
type Setting struct {
	// Name is in lower case; "" means all parameters (RESET ALL).
	Name, Value string
	// Local: SET LOCAL. Default: RESET or SET … TO DEFAULT.
	Local, Default bool
}

// SettingOf reads SET, RESET, SET TIME ZONE and SELECT set_config(…). ok is
// false for every other statement.
func SettingOf(n *pgparse.Node) (Setting, bool) {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.VariableSetStmt:
		s := Setting{Name: strings.ToLower(x.Name), Local: x.IsLocal}
		switch x.Kind {
		case pgparse.VariableSetKind_VAR_SET_VALUE:
			var values []string
			for _, a := range x.Args {
				values = append(values, ConstantText(a))
			}
			s.Value = strings.Join(values, ", ")
		case pgparse.VariableSetKind_VAR_SET_DEFAULT, pgparse.VariableSetKind_VAR_RESET:
			s.Default = true
		case pgparse.VariableSetKind_VAR_RESET_ALL:
			s.Name, s.Default = "", true
		default:
			return Setting{}, false
		}
		return s, true
	case *pgparse.DiscardStmt:
		if x.Target == pgparse.DiscardMode_DISCARD_ALL {
			return Setting{Default: true}, true
		}
	case *pgparse.SelectStmt:
		if len(x.TargetList) != 1 || len(x.FromClause) > 0 {
			return Setting{}, false
		}
		call := x.TargetList[0].GetResTarget().GetVal().GetFuncCall()
		if call == nil || len(call.Args) != 3 || pgparse.LastText(call.Funcname) != "set_config" {
			return Setting{}, false
		}
		return Setting{Name: strings.ToLower(ConstantText(call.Args[0])), Value: ConstantText(call.Args[1]), Local: ConstantText(call.Args[2]) == "true"}, true
	}
	return Setting{}, false
}

// ConstantText returns the text of a constant, "" for anything else.
func ConstantText(n *pgparse.Node) string {
	s, _ := predicate.LiteralText(n)
	return s
}

// ParseMilliseconds reads a time parameter as Postgres does: a number is
// milliseconds; the units are us, ms, s, min, h and d.
func ParseMilliseconds(value string) (ms int, ok bool) {
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

// FormatMilliseconds formats milliseconds as Postgres does: "5s", "1500ms", "10min".
func FormatMilliseconds(ms int) string {
	switch {
	case ms > 0 && ms%60_000 == 0:
		return strconv.Itoa(ms/60_000) + "min"
	case ms > 0 && ms%1000 == 0:
		return strconv.Itoa(ms/1000) + "s"
	}
	return strconv.Itoa(ms) + "ms"
}

// LongestWait is how long, in milliseconds, users who wait for a statement's lock are
// likely to accept.
const LongestWait = 10_000
