package sandbox

// Calls that other processors do not have.
var chmodHere, chownHere []uint32
