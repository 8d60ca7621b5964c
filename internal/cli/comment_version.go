package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/report/markdown"
)

var (
	// wroteIt matches the line below a comment's marker: the version of onward that wrote it last, and the newest that ever did.
	wroteIt = lazyregexp.New(`(?m)^<!-- onward version=\S* newest=(\d+\.\d+\.\d+) -->\r?$`)
	// releasedAs matches a released version. Other versions cannot be ordered.
	releasedAs = lazyregexp.New(`^v?(\d+\.\d+\.\d+)$`)
)

// addVersion adds the version of onward to a comment's text. The comment must be about the commit that was judged now, so
// an older onward replaces the findings of a newer one, but not silently: the text says so. newer is the newer
// version; it stays in the comment until that version or a later one writes again.
func addVersion(text, before, version string) (after, newer string) {
	version = strings.TrimPrefix(version, "v")
	newest := ""
	if match := releasedAs.FindStringSubmatch(version); match != nil {
		newest = match[1]
	}
	if last := wroteIt.FindStringSubmatch(before); last != nil && slices.CompareFunc(versionNumbers(last[1]), versionNumbers(newest), cmp.Compare[int]) > 0 {
		newest, newer = last[1], last[1]
	}
	if newest == "" {
		return text, "" // built from source, and no release wrote the old text
	}
	head := fmt.Sprintf("%s\n<!-- onward version=%s newest=%s -->", markdown.Marker, version, newest)
	if newer != "" {
		head += fmt.Sprintf("\n> onward %s wrote this comment before. This is the report of %s, which may know less: "+
			"let all of the pull request's workflows use one version.\n", newer, version)
	}
	return head + strings.TrimPrefix(text, markdown.Marker), newer
}

// versionNumbers returns the numbers of a version; none if the text is no version.
func versionNumbers(version string) (n []int) {
	for part := range strings.SplitSeq(version, ".") {
		i, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		n = append(n, i)
	}
	return n
}
