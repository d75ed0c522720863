"""Learning: the recorded cause, the grade, calibration, autonomy, the digest, replay."""
