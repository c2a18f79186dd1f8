PRAGMA application_id=1718840609;
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE approvals (
  number INTEGER PRIMARY KEY,        -- the order of recording
  digest TEXT NOT NULL,
  "by" TEXT NOT NULL,
  at REAL NOT NULL,
  how TEXT NOT NULL,
  used_by TEXT NOT NULL,             -- the run that it served, '' before
  checksum TEXT NOT NULL             -- over all cells before it
);
INSERT INTO "approvals" VALUES(1,'7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1','ann',1763700000.25,'prompt','20261121-0002','f777e9829f43623adc2178e328a3d6cd1d6cd6d03119fefb20b05cf137c4958a');
INSERT INTO "approvals" VALUES(2,'7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1','Zoë',1763700000.25,'approve','','6b44a656e654383804359e3d0020aa9b9c855e85c894163ee9ef2061ad7cbd2d');
CREATE TABLE plans (
  digest TEXT PRIMARY KEY,           -- SHA-256 of the document
  document BLOB NOT NULL             -- the resolved plan; runs are rewritten too often
);
INSERT INTO "plans" VALUES('7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1',X'7B226964223A2272656C65617365227D');
CREATE TABLE records (
  place INTEGER PRIMARY KEY,         -- runs.number * 2^32 + seq, as SQLite appends quickest
  epoch INTEGER NOT NULL,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,                -- JSON
  hash TEXT NOT NULL                 -- over all cells, and the hash before
);
INSERT INTO "records" VALUES(4294967297,1,1763700001.5,'RunCreated','{"digest":"7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1","by":"ann"}','79e5507034e8aba0919f18778efb6202dab485ee459dabb477595c98af43eb0a');
INSERT INTO "records" VALUES(4294967298,1,1763700002.5,'RunStarted','{}','6a1f207ab4b6139ded88aeccd61a7de391c22d3bfc054d8bd4919b999d4111ca');
INSERT INTO "records" VALUES(4294967299,1,1763700002.5,'StepStarted','{"step":"build","attempt":1}','4781f52542c5f077783b810ae0ca24b43d7ccca24a60076fe7ffb209cddbdea4');
INSERT INTO "records" VALUES(4294967300,2,1763700003.5,'StepFailed','{"step":"build","attempt":1,"error":"exit 2","seconds":0.5,"exit_code":2,"tail":"töö\nline","retry_at":1763700009.0}','96b3ae175290b19d1b85636ff5588e0378def85f316f29ecb0e7a2a3c7ee55ef');
INSERT INTO "records" VALUES(8589934593,1,1763700002.5,'RunCreated','{"digest":"7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1","by":"ann"}','995c94ee786dc91b6926aeb65509ad57605071d82c3d63417ad7d0610ea08330');
INSERT INTO "records" VALUES(8589934594,1,1763700003.5,'RunStarted','{}','38199cff6848553c2792ba3565552f3865d9e8dbbf03dbc3635ab1ba58821cf6');
INSERT INTO "records" VALUES(8589934595,1,1763700003.5,'StepStarted','{"step":"build","attempt":1}','adc0a5a4651ecefd7a0d118b06186f65ebda0c825fa9756f8699e18359fbfd2d');
INSERT INTO "records" VALUES(8589934596,2,1763700004.5,'StepFailed','{"step":"build","attempt":1,"error":"exit 2","seconds":0.5,"exit_code":2,"tail":"töö\nline","retry_at":1763700009.0}','ee9b4b13f694cbf1c9573d4f6355a9e303d7cf7fab2e0eb0ab1664b74d65c8e2');
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,        -- the order of creation; clocks jump
  run_id TEXT NOT NULL UNIQUE,
  plan_id TEXT NOT NULL,
  plan_name TEXT NOT NULL,
  digest TEXT NOT NULL REFERENCES plans,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  state TEXT NOT NULL,
  epoch INTEGER NOT NULL,            -- the newest writer
  seq INTEGER NOT NULL,              -- the last record
  hash TEXT NOT NULL,                -- and its hash, the head of the chain
  checksum TEXT NOT NULL             -- over all cells before it
);
INSERT INTO "runs" VALUES(1,'20261121-0001','release','Release – 1.0','7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1',1763700001.5,1763700003.5,'failed',2,4,'96b3ae175290b19d1b85636ff5588e0378def85f316f29ecb0e7a2a3c7ee55ef','38894b6bcb15b70573819bf5d02f514294f408697fbf2c8dab74b4dad93cc848');
INSERT INTO "runs" VALUES(2,'20261121-0002','release','Release – 1.0','7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1',1763700002.5,1763700004.5,'failed',2,4,'ee9b4b13f694cbf1c9573d4f6355a9e303d7cf7fab2e0eb0ab1664b74d65c8e2','1cae9c953284bdcd715f28290b017656756da4bf6a75b78d29347a6a7c2e52af');
COMMIT;
