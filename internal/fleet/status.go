package fleet

import (
	"context"
	"slices"

	"github.com/onward-sql/onward/onward"
)

// ReadStatus returns how far a release is on targets; for "", the release that was begun last. It changes nothing. The error is a
// *config.InputError if no database of the targets knows the release.
func ReadStatus(ctx context.Context, list []*Target, release string, waves []Amount) (*onward.Rollout, error) {
	_, out, err := ReadReleases(ctx, list, release, waves)
	return out, err
}

// ReadReleases is [ReadStatus], and returns also all releases that were begun on the targets, the newest first.
func ReadReleases(ctx context.Context, list []*Target, release string, waves []Amount) ([]Release, *onward.Rollout, error) {
	identifyMissing(ctx, list)
	uniqueTargets, duplicates := dropDuplicates(list)
	releases, err := listReleases(ctx, uniqueTargets, release)
	if err != nil {
		return nil, nil, err
	}
	found := &releases[0]
	if i := slices.IndexFunc(releases, func(r Release) bool { return r.Name == release }); i >= 0 {
		found = &releases[i]
	}
	out := &onward.Rollout{Schema: onward.RolloutSchema, Release: found.Name, Duplicates: duplicates}
	progress := map[*Target]*onward.RolloutTarget{}
	if err := readProgress(ctx, found.Name, uniqueTargets, func(t *Target, p *onward.RolloutTarget) { progress[t] = p }); err != nil {
		return nil, nil, err
	}
	summarizeWaves(out, cutWaves(uniqueTargets, waves), func(t *Target) *onward.RolloutTarget { return progress[t] })
	MarkPaused(out, found.Paused)
	return releases, out, nil
}
