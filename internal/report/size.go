package report

import (
	"fmt"

	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// sizeWords is how big a relation is: "81 M rows, 24 GB".
func sizeWords(e *onward.Effect) string {
	if e.Rows == 0 {
		return size.FormatBytes(e.Bytes)
	}
	return size.FormatCount(e.Rows) + " rows, " + size.FormatBytes(e.Bytes)
}

// throughputWords returns the basis of the estimates: "200 MB/s read, 100 MB/s written".
func throughputWords(s *onward.Sizes) string {
	return size.FormatBytes(s.ReadPerSecond) + "/s read, " + size.FormatBytes(s.WritePerSecond) + "/s written"
}

// timeWords returns a time in milliseconds with the precision of an estimate: "under 1
// s", "about 45 s", "about 2 min", "about 3 h".
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
