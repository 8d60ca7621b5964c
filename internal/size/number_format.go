package size

import (
	"fmt"
	"strings"
)

// FormatBytes formats a size for people: "24 GB", in powers of 1000.
func FormatBytes(n int64) string {
	return formatScaled(n, []string{" B", " kB", " MB", " GB", " TB", " PB"})
}

// FormatCount formats a count for people: "81 M".
func FormatCount(n int64) string { return formatScaled(n, []string{"", " k", " M", " G", " T"}) }

// formatScaled formats a number below ten with one decimal place, others with none.
func formatScaled(n int64, units []string) string {
	v, u := float64(n), 0
	for v >= 999.5 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	text := fmt.Sprintf("%.0f", v)
	if v < 9.95 && u > 0 {
		text = strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	return text + units[u]
}
