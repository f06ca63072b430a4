-- How long specs wait for what must happen before they fail, in seconds: machines are busy. Where things
-- are made to fail, SPEC_PATIENCE says that less will do.
return tonumber(os.getenv "SPEC_PATIENCE") or 60
