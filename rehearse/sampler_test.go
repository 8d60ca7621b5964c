package rehearse_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// The server lists the locks of a sample in no order: only a lock that an earlier sample saw, or that is held while a stronger one is
// waited for, was requested before it.
func TestLocksOfOneSample(t *testing.T) {
	t.Parallel()
	share, strong := rehearse.SampledLock{Mode: onward.ShareLock, Granted: true}, rehearse.SampledLock{Mode: onward.AccessExclusiveLock, Granted: true}
	waiting := rehearse.SampledLock{Mode: onward.AccessExclusiveLock}
	both := []onward.Lock{onward.ShareLock, onward.AccessExclusiveLock}
	for name, c := range map[string]struct {
		samples [][]rehearse.SampledLock
		want    []onward.Lock
	}{
		"the strong one first": {[][]rehearse.SampledLock{{strong, share}}, both[1:]},
		"the weak one first":   {[][]rehearse.SampledLock{{share, strong}}, both[1:]},
		"the weak one earlier": {[][]rehearse.SampledLock{{share}, {strong, share}}, both},
		"the weak one later":   {[][]rehearse.SampledLock{{strong}, {share, strong}}, both[1:]},
		"a wait":               {[][]rehearse.SampledLock{{waiting, share}}, both},
	} {
		if diff := cmp.Diff(c.want, rehearse.ListRequests(c.samples...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
