package pgtime_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgtime"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{
		"500": 500, "5s": 5000, "5": 5, " 2 min ": 120_000, "1.5 min": 90_000, "1.5s": 1500, "2h": 7_200_000, "0": 0, "100us": 0,
	} {
		if got, ok := pgtime.Parse(setting); !ok || got != want {
			t.Errorf("%q: %d %t, want %d", setting, got, ok, want)
		}
	}
	for _, setting := range []string{"", "s", "soon", "5 parsecs", "99999999999h"} {
		if got, ok := pgtime.Parse(setting); ok {
			t.Errorf("%q: %d, and it is no time", setting, got)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for ms, want := range map[int]string{0: "0ms", 500: "500ms", 1500: "1500ms", 5000: "5s", 90_000: "90s", 600_000: "10min", 7_200_000: "120min"} {
		if got := pgtime.Format(ms); got != want {
			t.Errorf("%d: %s, want %s", ms, got, want)
		}
	}
}
