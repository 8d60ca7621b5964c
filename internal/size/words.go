package size

import (
	"fmt"
	"strings"
)

// Bytes is a size for people: "24 GB", in powers of 1000.
func Bytes(n int64) string { return scaled(n, []string{" B", " kB", " MB", " GB", " TB", " PB"}) }

// Number is a count for people: "81 M".
func Number(n int64) string { return scaled(n, []string{"", " k", " M", " G", " T"}) }

// scaled has one decimal place below ten, none above.
func scaled(n int64, units []string) string {
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
