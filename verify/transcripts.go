package verify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/transcript"
)

// ReadTranscripts reads the transcripts that a recording names; path is the recording's file, or the directory of several.
// identities is a file with age keys for those that are encrypted; "" for none.
//
// Errors: a [config.InputError] if one is missing, is no transcript, or is another run's.
func ReadTranscripts(path string, load *Workload, identities string) ([]*Transcript, error) {
	dir := path
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	var out []*Transcript
	for _, entry := range load.Transcripts {
		file := filepath.Join(dir, entry.File)
		t, err := transcript.ReadFile(file, entry.SHA256, identities)
		switch {
		case errors.Is(err, transcript.ErrOtherFile):
			return nil, &config.InputError{Err: fmt.Errorf("%s is not the transcript of %s: %w", file, path, transcript.ErrOtherFile)}
		case err != nil:
			return nil, &config.InputError{Err: fmt.Errorf("read the transcript that %s names: %w", path, err)}
		}
		out = append(out, t)
	}
	return out, nil
}
