Hostname vm
Localdir /tmp/tmp29kr4fd9/source
Volume 1:
    StartingPath   .  
    EndingPath     turns/now  
    Hash SHA1 6fe7bd8e7f3848216c586710e0363c83b818141d
Filelist 6
    changed  file
    changed  folder/over
    deleted  gone/inside
    new      "new\x20name"
    deleted  "old\x20name"
    new      turns/now
