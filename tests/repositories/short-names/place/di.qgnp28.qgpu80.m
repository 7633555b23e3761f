Hostname vm
Localdir /tmp/tmp29kr4fd9/source
Volume 1:
    StartingPath   .  
    EndingPath     turns/now  
    Hash SHA1 90203a22fff4af0b016da3b39b0826831af6031c
Filelist 4
    changed  file
    changed  folder/parts
    new      gone/inside
    deleted  turns/now
