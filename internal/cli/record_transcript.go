package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/record"
)

// transcriptFile returns the file of a recording's transcript.
func (a *app) transcriptFile() string { return transcript.FileName(cmp.Or(a.flags.output, recorded)) }

// checkTranscriptFlags refuses a transcript that could not be written, before the command runs.
func (a *app) checkTranscriptFlags(f *recordFlags) error {
	if !f.values {
		if f.recipient != "" {
			return newUsageError("--values-recipient encrypts the file of --values: add that")
		}
		return nil
	}
	if f.recipient != "" {
		if err := transcript.CheckRecipient(f.recipient); err != nil {
			return newUsageError("--values-recipient: %v", err)
		}
	}
	if info, err := os.Stat(a.flags.output); err == nil && !info.Mode().IsRegular() {
		return newUsageError("--values writes a file beside the recording, and %s is no file", a.flags.output)
	}
	if err := transcript.CheckFile(a.transcriptFile()); err != nil {
		return newUsageError("--values: %v", err)
	}
	return nil
}

// writeTranscript stores the transcript, if there is one, and names it in the recording. It returns the sentence that says so.
func (a *app) writeTranscript(result *record.Result, recipient string) (string, error) {
	t := result.Transcript
	if t == nil {
		return "", nil
	}
	path := a.transcriptFile()
	stored, err := t.WriteFile(path, recipient)
	if err != nil {
		return "", fmt.Errorf("write the transcript: %w", err)
	}
	result.Workload.Transcripts = []workload.TranscriptFile{{File: filepath.Base(path), SHA256: stored.SHA256}}
	line := fmt.Sprintf("%s of %s with their values are in %s (%s): it holds the data that the command sent, so keep it as a dump",
		prose.CountNoun(t.CountMessages(), "message"), prose.CountNoun(len(t.Sessions), "session"), path, size.FormatBytes(stored.Bytes))
	for _, n := range t.Notes {
		line += "; " + n
	}
	return line, nil
}
