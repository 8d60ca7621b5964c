package report

import (
	"fmt"

	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// sizeWords is how big a relation is: "81 M rows, 24 GB".
func sizeWords(e *onward.Effect) string {
	if e.Rows == 0 {
		return Bytes(e.Bytes)
	}
	return Number(e.Rows) + " rows, " + Bytes(e.Bytes)
}

// throughputWords is what estimates rest on: "200 MB/s read, 100 MB/s
// written".
func throughputWords(s *onward.Sizes) string {
	return Bytes(s.ReadPerSecond) + "/s read, " + Bytes(s.WritePerSecond) + "/s written"
}

// Bytes is a size for people: "24 GB", in powers of 1000.
func Bytes(n int64) string { return size.Bytes(n) }

// Number is a count for people: "81 M".
func Number(n int64) string { return size.Number(n) }

// timeWords is a time in milliseconds for people, as exact as an estimate is:
// "under 1 s", "about 45 s", "about 2 min", "about 3 h".
func timeWords(ms int64) string {
	s := float64(ms) / 1000
	switch {
	case s < 1:
		return "under 1 s"
	case s < 90:
		return fmt.Sprintf("about %.0f s", s)
	case s <= 90*60:
		return fmt.Sprintf("about %.0f min", s/60)
	case s < 72*3600:
		return fmt.Sprintf("about %.0f h", s/3600)
	}
	return fmt.Sprintf("about %.0f days", s/86400)
}
