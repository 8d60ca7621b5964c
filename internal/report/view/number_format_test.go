package view

import (
	"testing"

	"github.com/onward-sql/onward/internal/size"
)

func TestSizeWords(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 8192: "8.2 kB", 24e9: "24 GB", 1.26e12: "1.3 TB", 999_999: "1 MB", 204e6: "204 MB"} {
		if got := size.FormatBytes(bytes); got != want {
			t.Errorf("%d bytes: %q, want %q", bytes, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 950: "950", 1200: "1.2 k", 81e6: "81 M", 2.5e9: "2.5 G"} {
		if got := size.FormatCount(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for ms, want := range map[int64]string{
		1:            "under 1 s",
		999:          "under 1 s",
		1499:         "about 1 s",
		45e3:         "about 45 s",
		120e3:        "about 2 min",
		89e3:         "about 89 s",
		91e3:         "about 2 min",
		5400e3:       "about 90 min",
		3 * 3600e3:   "about 3 h",
		200 * 3600e3: "about 8 days",
	} {
		if got := FormatEstimate(ms); got != want {
			t.Errorf("%d ms: %q, want %q", ms, got, want)
		}
	}
}
