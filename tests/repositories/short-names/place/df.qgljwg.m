Hostname vm
Localdir /tmp/tmp29kr4fd9/source
Volume 1:
    StartingPath   .  
    EndingPath     turns  
    Hash SHA1 3e794c0f3e32a821c200e6633943354ba07d1050
Filelist 10
    new      file
    new      folder/noise
    new      folder/over
    new      folder/parts
    new      folder-a
    new      gone/inside
    new      "old\x20name"
    new      secret
    new      setuid
    new      turns
